"""The truth tables that stand in docstrings."""


def tables(docstring: str | None) -> list[list[tuple[str, ...]]]:
    """Every table of a docstring, without its header: rows of trimmed cells."""
    found: list[list[tuple[str, ...]]] = []
    inside = False
    for line in (docstring or "").splitlines():
        if not line.startswith("|"):
            inside = False
            continue
        cells = tuple(cell.strip() for cell in line.strip().strip("|").split("|"))
        if not inside:
            found.append([])
            inside = True
        found[-1].append(cells)
    return [table[2:] for table in found]

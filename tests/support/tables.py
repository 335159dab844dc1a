"""The truth tables that stand in docstrings."""


def tables(docstring: str | None) -> list[list[tuple[str, ...]]]:
    """Every table of a docstring, without its header: rows of trimmed cells.

    A line without a first cell goes on with the row before.
    """
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
        if cells[0]:
            found[-1].append(cells)
        else:
            found[-1][-1] = tuple(" ".join(filter(None, pair)) for pair in zip(found[-1][-1], cells, strict=True))
    return [table[2:] for table in found]

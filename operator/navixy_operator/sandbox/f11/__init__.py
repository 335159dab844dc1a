"""A simulator of F1.1: the contract of ``openapi.yaml`` as a process of its own, with settable faults.

    records.py    the nouns: a connection, a remembered answer, a line of the history
    state.py      the truth: connections, idempotency keys, history; pure, time is passed in
    store.py      SQLite behind it: commits in groups, in a thread; an answer waits for its commit
    behaviour.py  what can be set: times, rates, refusals, one-shot faults
    faults.py     which fault strikes which request, replayable by its seed
    operations.py the contract's four operations on the truth
    contract.py   the contract over HTTP, with what befalls its requests
    admin.py      ``/simulator/…``: settings, seeds, counters, history; no part of the contract
    server.py     the process
    launch.py     the process as a child of the demo and the tests, with a client of its admin side

Where the contract is silent, this simulator:
- answers 400 ``invalid-request`` for what its schemas do not allow, 401 ``unauthorized`` for a wrong token, 404
  ``not-found``, 405 ``method-not-allowed``, 413, 415;
- answers 409 ``idempotency-key-reused`` for a known key with another body: 422 speaks of hashes alone;
- gives the first answer again for the final answers of a key: 200, 202, 422 and 409 ``open-with-other-hash``;
- takes a page token it cannot read, or one given for another query, for an expired one;
- sets ``origin`` of a connection closed by DELETE to ``automatic``.
Of a hash it keeps the fingerprint alone, in memory and on disk.
"""

from navixy_operator.sandbox.f11.server import Settings, run, serve

__all__ = ["Settings", "run", "serve"]

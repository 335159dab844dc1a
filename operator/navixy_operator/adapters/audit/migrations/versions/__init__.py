"""The steps, one module each. A step that was released never changes; a later one only adds.

An older version of the operator may be running beside a newer one, and after a rollback: what it reads and writes must
still be there.
"""

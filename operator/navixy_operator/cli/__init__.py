"""The command line: ``navixy-operator``, and as ``kubectl navixy`` by its other name.

Exit codes: 0 done; 1 failed, and time may mend it; 2 wrong usage; 3 a person must mend what the message names;
4 no such customer or cycle; 130 stopped by Ctrl-C.
"""

from navixy_operator.cli.main import main

__all__ = ["main"]

"""``python -m navixy_operator`` is ``navixy-operator``."""

import sys

from navixy_operator.cli import main

sys.exit(main())

import sys

from navixy_operator.cli import main

sys.exit(main())

"""`python -m brignb`."""

import sys

from brignb.cli import main

sys.exit(main())

"""`python -m bonescan` is the command `bonescan`."""

import sys

from bonescan.commands import main

if __name__ == "__main__":
    sys.exit(main())

"""Finds new functions, as formulas:  python scripts/discover.py model=mlp data=mnist1d"""

import sys

from activation_search.commands.main import main

if __name__ == "__main__":
    sys.exit(main("discover"))

"""Compares on the same seeds:  python scripts/compare.py 'candidates=[relu,gelu]' seeds=10"""

import sys

from activation_search.commands.main import main

if __name__ == "__main__":
    sys.exit(main("compare"))

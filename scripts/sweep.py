"""Searches for the best activations:  python scripts/sweep.py search=per_layer trials=60"""

import sys

from activation_search.commands.main import main

if __name__ == "__main__":
    sys.exit(main("sweep"))

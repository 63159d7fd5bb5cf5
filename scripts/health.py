"""Looks at a model before it trains:  python scripts/health.py model=mlp model.depth=10"""

import sys

from activation_search.commands.main import main

if __name__ == "__main__":
    sys.exit(main("health"))

"""The activation sites of a model:  python scripts/sites.py model=cnn"""

import sys

from activation_search.commands.main import main

if __name__ == "__main__":
    sys.exit(main("sites"))

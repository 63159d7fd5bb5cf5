"""Which model reads which data set:  python scripts/data.py data=digits"""

import sys

from activation_search.commands.main import main

if __name__ == "__main__":
    sys.exit(main("data"))

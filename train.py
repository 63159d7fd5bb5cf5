"""Trains one model:  python train.py activation=gelu

All settings: python train.py --help
"""

import sys

from activation_search.commands.main import main

if __name__ == "__main__":
    sys.exit(main("train"))

"""The catalogue of activations:  python scripts/catalogue.py gelu silu mish"""

import sys

from activation_search.commands.main import main

if __name__ == "__main__":
    sys.exit(main("catalogue"))

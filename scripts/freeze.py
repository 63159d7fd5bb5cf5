"""A short formula for what activations have learned:  python scripts/freeze.py <run> …"""

import sys

from activation_search.commands.main import main

if __name__ == "__main__":
    sys.exit(main("freeze"))

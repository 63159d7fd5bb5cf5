"""Writes a report to send around:  python scripts/report.py logs/compare/cnn-mnist1d"""

import sys

from activation_search.commands.main import main

if __name__ == "__main__":
    sys.exit(main("report"))

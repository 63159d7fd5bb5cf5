"""Writes a trained model for other programs:  python scripts/export.py <run> format=onnx"""

import sys

from activation_search.commands.main import main

if __name__ == "__main__":
    sys.exit(main("export"))

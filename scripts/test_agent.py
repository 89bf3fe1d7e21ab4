"""Test the agent's answers: `voxbot test-agent` under the name that operators know."""

import sys

from voxbot.main.cli import main

if __name__ == "__main__":
    sys.argv[1:1] = ["test-agent"]
    main()

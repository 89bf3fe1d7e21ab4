"""`python -m voxbot`."""

from voxbot.main.cli import main

main()

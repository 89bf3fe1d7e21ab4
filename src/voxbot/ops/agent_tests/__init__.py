"""Tests of what the agent answers, written by whoever writes the knowledge bases: `voxbot test-agent`."""

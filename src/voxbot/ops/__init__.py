"""Install, back up, roll back, diagnose: the operator's commands."""

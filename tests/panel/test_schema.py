"""The panel's client is made from the API's description: the two belong together."""

import os
import subprocess
import sys


def test_the_panels_copy_of_the_schema_is_current(request):
    script = request.config.rootpath / "scripts" / "panel_schema.py"
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, script, "--check"], env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

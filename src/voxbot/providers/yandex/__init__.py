"""What Yandex Cloud's providers share: who asks (auth), over which connection (channel), what went wrong (errors)."""

import os

# gRPC reports every connection that a server closes on standard error, in no log's format. Read once, by its library.
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")

"""Who may ask Yandex Cloud: keys and tokens of accounts, and what the real services say to everybody else.

The texts are the services' own; their statuses differ from service to service for the same text, so the double's choice
is one of those seen (UNAUTHENTICATED in speech, INVALID_ARGUMENT with models).
"""

import itertools
from dataclasses import dataclass, field

FOLDER = "b1gtestfolder0000000"
API_KEY = "AQVNtest-api-key"
OAUTH_TOKEN = "y0_test-oauth-token"


@dataclass(frozen=True)
class Refusal:
    """Why an account may not ask: the gRPC status by name, and the words."""

    status: str
    text: str


@dataclass
class YandexAccounts:
    """`keys` are API keys; `tokens` are IAM tokens with "user" or "service" as the kind of their owner."""

    keys: set = field(default_factory=lambda: {API_KEY})
    oauth_tokens: set = field(default_factory=lambda: {OAUTH_TOKEN})
    tokens: dict = field(default_factory=dict)
    folder: str = FOLDER
    folder_status: str = "UNAUTHENTICATED"
    _numbers: itertools.count = field(default_factory=lambda: itertools.count(1))

    def issue(self, kind):
        """Make a new IAM token."""
        token = f"t1.{kind}-token-{next(self._numbers)}"
        self.tokens[token] = kind
        return token

    def refusal(self, authorization, folder_id):
        """None if `authorization` may ask for this folder ('' or None: none named)."""
        kind = self._kind(authorization or "")
        if isinstance(kind, Refusal):
            return kind
        if kind == "user" and not folder_id:
            return Refusal(self.folder_status, "You have to specify folder ID for user account")
        if not folder_id or folder_id == self.folder:
            return None
        if kind == "user":
            return Refusal("PERMISSION_DENIED", f"Permission to [resource-manager.folder {folder_id}] denied")
        text = f"Specified folder ID '{folder_id}' does not match with service account folder ID '{self.folder}'"
        return Refusal("INVALID_ARGUMENT", text)

    def _kind(self, authorization):
        scheme, _, secret = authorization.partition(" ")
        if scheme == "Api-Key" and secret in self.keys:
            return "service"
        if scheme == "Bearer" and secret in self.tokens:
            return self.tokens[secret]
        if scheme == "Api-Key":
            return Refusal("UNAUTHENTICATED", f"Unknown api key '{secret[:4]}********'")
        text = "The token is invalid" if authorization else "Unauthenticated: authorization is missing"
        return Refusal("UNAUTHENTICATED", text)

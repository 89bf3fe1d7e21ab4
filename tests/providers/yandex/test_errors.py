"""What the services answer, in the words of the house."""

import grpc
import pytest
from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2

from voxbot.domain.errors import (
    ProviderAuthError,
    ProviderError,
    ProviderRateLimitError,
    ProviderUnavailableError,
)
from voxbot.providers.yandex.errors import from_http, from_rpc

FOLDER_NEEDED = "You have to specify folder ID for user account"
FOLDER_WRONG = "Specified folder ID 'b1g1' does not match with service account folder ID 'b1g2'"


def rpc(code, details="", trailers=()):
    return grpc.aio.AioRpcError(
        grpc.StatusCode[code], grpc.aio.Metadata(), grpc.aio.Metadata(*trailers), details=details
    )


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("UNAUTHENTICATED", ProviderAuthError),
        ("PERMISSION_DENIED", ProviderAuthError),
        ("RESOURCE_EXHAUSTED", ProviderRateLimitError),
        ("UNAVAILABLE", ProviderUnavailableError),
        ("DEADLINE_EXCEEDED", ProviderUnavailableError),
        ("INTERNAL", ProviderUnavailableError),
        ("CANCELLED", ProviderUnavailableError),
        ("INVALID_ARGUMENT", ProviderError),
        ("UNIMPLEMENTED", ProviderError),
    ],
)
def test_a_status_is_an_error_of_the_tree(code, error):
    assert type(from_rpc(rpc(code), "синтез речи")) is error


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, ProviderError),
        (401, ProviderAuthError),
        (403, ProviderAuthError),
        (408, ProviderUnavailableError),
        (429, ProviderRateLimitError),
        (503, ProviderUnavailableError),
    ],
)
def test_an_http_status_is_an_error_of_the_tree(status, error):
    assert type(from_http(status, "", {}, "синтез речи")) is error


@pytest.mark.parametrize("code", ["UNAUTHENTICATED", "INVALID_ARGUMENT", "PERMISSION_DENIED"])
@pytest.mark.parametrize("words", [FOLDER_NEEDED, FOLDER_WRONG])
def test_a_wrong_folder_is_explained_with_the_fix_whatever_the_status(code, words):
    for error in (from_rpc(rpc(code, words), "синтез речи"), from_http(401, words, {}, "синтез речи")):
        assert isinstance(error, ProviderAuthError)
        assert "YANDEX_FOLDER_ID" in str(error)
        assert words in str(error)


def retry_info(seconds):
    packed = Any()
    packed.Pack(error_details_pb2.RetryInfo(retry_delay=Duration(seconds=seconds)))
    return status_pb2.Status(code=8, details=[packed]).SerializeToString()


@pytest.mark.parametrize(
    ("trailers", "seconds"),
    [
        ((), None),
        ((("retry-after", "3"),), 3),
        ((("retry-after", "soon"),), None),
        ((("grpc-status-details-bin", retry_info(7)),), 7),
        ((("grpc-status-details-bin", b"\xff\xff"),), None),
    ],
)
def test_a_delay_that_the_service_asks_for_is_kept(trailers, seconds):
    assert from_rpc(rpc("RESOURCE_EXHAUSTED", trailers=trailers), "синтез речи").retry_after_s == seconds


def test_neither_keys_nor_what_was_to_be_said_are_repeated():
    told = "Unknown key AQVNsecret-key for t1.9euelZq-secret_token.sign, text 'Здравствуйте, Иван Петрович' at 5"
    error = str(from_rpc(rpc("UNAUTHENTICATED", told), "синтез речи"))
    assert "secret" not in error
    assert "Иван" not in error
    assert "Unknown key ***" in error

"""Reasons: what the driver of an object store raises, in the words of whoever keeps an archive."""

from __future__ import annotations

import errno

from tasks.core.model.secrets import hide

REFUSALS = {
    "it denies us this, check our credentials and what they may do": """
        AccessDenied AllAccessDisabled MethodNotAllowed 403 405""",
    "it does not know our credentials, correct them": """
        InvalidAccessKeyId SignatureDoesNotMatch InvalidSecurity NotSignedUp 401""",
    "our credentials have expired, renew them": """
        ExpiredToken InvalidToken TokenRefreshRequired""",
    "we have no credentials for it, set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY": """
        NoCredentialsError PartialCredentialsError CredentialRetrievalError TokenRetrievalError""",
    "it refuses the question, as where credentials have expired": "400",
    "its clock differs from this machine's, set that by a time server": "RequestTimeTooSkewed",
    "it has no such bucket": "NoSuchBucket",
}
FAILURES = {
    "it is too busy": """
        SlowDown ServiceUnavailable Throttling RequestTimeout 429 503""",
    "it failed inside": "InternalError 500 502 504",
    "it does not answer in time": "ReadTimeoutError ConnectTimeoutError FSTimeoutError",
    "it cannot be reached": "EndpointConnectionError ConnectionError HTTPClientError",
    "the line to it breaks": """
        ConnectionClosedError ClientPayloadError ResponseStreamingError IncompleteReadError
        ServerDisconnectedError ResponseParserError""",
}
SAID = {code: words for words, codes in (REFUSALS | FAILURES).items() for code in codes.split()}
DISK_REFUSALS = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT}


def reason(error: BaseException) -> str:
    """Say why a place failed, without credentials; what has no words here as its driver says it."""
    if words := _words(error):
        where = getattr(error, "kwargs", {}).get("endpoint_url", "")
        return hide(f"{words}: {where.partition('?')[0]}" if where else words)
    return hide(f"{type(error).__name__}: {error}")


def is_away(error: BaseException) -> bool:
    """Tell whether a place failed that may have whole what was asked of it."""
    return bool(_words(error)) or isinstance(
        error, (PermissionError, ConnectionError, TimeoutError)
    )


def lasts(error: BaseException) -> bool:
    """Tell whether a place refuses until a person mends it: rights, credentials, a full disk."""
    return _words(error) in REFUSALS or getattr(error, "errno", None) in DISK_REFUSALS


def _words(error: BaseException) -> str:
    """Find words for an error of a driver, or for the one that it was made of, or ""."""
    answer = getattr(error, "response", None)
    code = answer.get("Error", {}).get("Code", "") if isinstance(answer, dict) else ""
    words = SAID.get(code) or SAID.get(type(error).__name__)
    return words or (_words(error.__cause__) if error.__cause__ else "")

"""Every exception that skillofmind raises, as one tree.

    SkillOfMindError
    ├── ConfigurationError (ValueError)      the command or call is wrong: nothing was done, exit code 2
    │   ├── DataError                        an input file or row is wrong; names file and line
    │   ├── RunMismatch                      a run directory was started with other options
    │   ├── RunBusy                          another process is writing this run directory
    │   └── MissingExtra (ImportError)       an optional dependency is not installed
    ├── StorageError (OSError)               disk full, read-only directory, unreadable file
    ├── BudgetExhausted                      calls, tokens or money are spent; the run can be resumed
    ├── DeadlineExceeded (TimeoutError)      the time given to this request or run is over
    ├── TrainingDiverged (ArithmeticError)   loss or gradient is not finite; the last checkpoint is intact
    └── ModelError (RuntimeError)            one model call failed; `retryable` says whether to try again
        ├── ModelUnreachable (ConnectionError)
        ├── ModelTimeout (TimeoutError)
        ├── RateLimited                      429; carries `retry_after`
        ├── ModelBusy                        408, 409, 5xx; may carry `retry_after`
        ├── MalformedResponse                the reply is cut or is not what the protocol says
        ├── AuthenticationFailed             401, 403
        └── RequestRejected                  every other 4xx: sending the same again cannot help

Each class also is the standard-library error that it refines, so `except ValueError` and
`except TimeoutError` keep working. Messages are one sentence that names the value and the fix.
"""


class SkillOfMindError(Exception):
    """Root of the tree; catch this to catch everything that the library raises on purpose."""


class ConfigurationError(SkillOfMindError, ValueError):
    """The call itself is wrong (an option, a file, a combination); nothing was done."""


class DataError(ConfigurationError):
    """A row or file is not what its format says; the message names the file and the line."""


class RunMismatch(ConfigurationError):
    """A run directory holds a run with other options; the message shows the difference."""


class RunBusy(ConfigurationError):
    """Another live process holds the run directory."""


class MissingExtra(ConfigurationError, ImportError):
    """A feature needs an extra that is not installed; the message gives the pip command."""


class StorageError(SkillOfMindError, OSError):
    """The disk said no (full, read-only, vanished); what was written before is intact."""


class BudgetExhausted(SkillOfMindError):
    """A limit on calls, tokens or money is reached; resume with a larger one to go on."""


class DeadlineExceeded(SkillOfMindError, TimeoutError):
    """The time given to this request or run is over."""


class TrainingDiverged(SkillOfMindError, ArithmeticError):
    """Loss or gradient of an update is not a finite number; the update was not made."""


class ModelError(SkillOfMindError, RuntimeError):
    """One call to a model failed.

    Attributes:
        retryable: whether the same request may succeed later.
        status: the HTTP status, where there was one.
        retry_after: seconds the server asked to wait, where it did.
        attempts: tries that were made, this one included.
    """

    retryable: bool = False
    attempts: int = 1

    def __init__(self, message: str, *, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


class ModelUnreachable(ModelError, ConnectionError):
    """No connection: refused, reset, name not found, or closed before an answer."""

    retryable = True


class ModelTimeout(ModelError, TimeoutError):
    """The server took the request and did not answer in time."""

    retryable = True


class RateLimited(ModelError):
    """Status 429."""

    retryable = True


class ModelBusy(ModelError):
    """Status 408, 409 or 5xx."""

    retryable = True


class MalformedResponse(ModelError):
    """The reply is cut, is not JSON, or lacks what the protocol promises."""

    retryable = True


class AuthenticationFailed(ModelError):
    """Status 401 or 403."""


class RequestRejected(ModelError):
    """A 4xx that sending the same request again cannot cure, or a capability the model lacks."""

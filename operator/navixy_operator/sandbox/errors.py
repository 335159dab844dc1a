"""What can go wrong while servers are provisioned and run; each message says what to do about it."""


class SandboxError(Exception):
    """Root of the sandbox's errors; the text is fit for a person at a terminal."""


class ProvisioningError(SandboxError):
    """A server's files could not be had: no network, no apt, a wrong checksum, a failed build."""


class ProcessError(SandboxError):
    """A server did not start, died, or could not be stopped; the text ends with the tail of its log."""


class CommandError(SandboxError):
    """A command ended with an error; the text ends with what it wrote to its standard error."""

"""Who we are, as the API server knows it."""

from navixy_operator.adapters.kube.client import KubeClient
from navixy_operator.errors import OperatorError

REVIEWS = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


async def whoami(client: KubeClient) -> str | None:
    """The name that the API server gives to our credentials; None where it cannot or may not tell (before 1.28)."""
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    try:
        answer = await client.request("POST", REVIEWS, body=body)
    except OperatorError:
        return None
    name = ((answer.get("status") or {}).get("userInfo") or {}).get("username") if isinstance(answer, dict) else None
    return name if isinstance(name, str) and name else None

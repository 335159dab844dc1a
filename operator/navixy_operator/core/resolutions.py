"""What to do about each probable cause (spec: Determine Resolution): sentences with the commands to type.

``{namespace}`` and ``{sync}`` name the NavixySync, ``{cycle}`` the SyncCycle that it is about, ``{held}`` and
``{digest}`` the one whose closes are held. A sentence that names something that there is not is left out.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from navixy_operator.core.casefile import Case
from navixy_operator.core.clues import held_list
from navixy_operator.core.vocabulary import APPROVE_CLOSES, Cause

RUN_NOW: Final = (
    "Run a cycle now, or wait for the scheduled one: echo '{{apiVersion: dataforwarding.io/v1alpha1, kind: SyncCycle, "
    "metadata: {{generateName: {sync}-now-}}, spec: {{sync: {sync}}}}}' | kubectl create -n {namespace} -f -"
)
LOOK_AGAIN: Final = "See what a cycle would do now: navixy-operator plan --sync {sync} -n {namespace}"
REPORT: Final = "See what the cycle did, failed actions first: kubectl get synccycle {cycle} -n {namespace} -o yaml"
STORY: Final = "See the whole story of the cycle: navixy-operator audit cycle {cycle} -n {namespace}"
EXPLAIN: Final = "Ask why for one customer: navixy-operator explain REF --sync {sync} -n {namespace}"
SPEC: Final = "kubectl edit navixysync {sync} -n {namespace}"
NOTHING_LOST: Final = "No connection was opened or closed by the cycle that failed; drift passes keep what is desired."
PIN: Final = (
    "Until that is mended, set single connections by hand: navixy-operator pin REF connect, or disconnect, "
    "--reason TEXT -n {namespace}"
)

ADVICE: Final[Mapping[Cause, tuple[str, ...]]] = {
    Cause.DATABASE_UNAVAILABLE: (
        "See that the customer database runs, and can be reached from the operator's pod.",
        "See that it lets the user log in whose URL is in the Secret that spec.database.urlSecretRef names.",
        "If it is only slow, raise spec.database.timeoutSeconds: " + SPEC,
        NOTHING_LOST,
        RUN_NOW,
    ),
    Cause.DATABASE_URL_INVALID: (
        "Mend the URL in the Secret that spec.database.urlSecretRef names: DIALECT+DRIVER://USER:PASSWORD@HOST/NAME.",
        RUN_NOW,
    ),
    Cause.DATABASE_QUERY_FAILED: (
        "Mend spec.database.query, or the tables and rights of the customer database that the message names: " + SPEC,
        LOOK_AGAIN,
        NOTHING_LOST,
        RUN_NOW,
    ),
    Cause.FORWARDING_UNAVAILABLE: (
        "See that F1.1 runs and can be reached from the operator's pod at spec.forwarding.url.",
        "If F1.1 answers that there are too many requests, lower spec.forwarding.ratePerSecond and concurrency: "
        + SPEC,
        NOTHING_LOST,
        RUN_NOW,
    ),
    Cause.TOKEN_REFUSED: (
        "Renew the token in the Secret that spec.forwarding.tokenSecretRef names, and see that F1.1 knows it.",
        RUN_NOW,
    ),
    Cause.FORWARDING_PROTOCOL_ERROR: (
        "See that spec.forwarding.url is F1.1's base URL, and no proxy's or login page's: " + SPEC,
        "If it is F1.1 itself, ask those who run it: its answer is not what its contract says.",
        RUN_NOW,
    ),
    Cause.SECRET_NOT_FOUND: (
        "Create the Secret that the message names, with that key, in the namespace {namespace}.",
        "If it is there, see that the operator's Role lets it get Secrets.",
        RUN_NOW,
    ),
    Cause.KUBERNETES_TROUBLE: (
        "See that the API server answers, and compare the operator's rights with manifests/base/role.yaml.",
        RUN_NOW,
    ),
    Cause.APPROVAL_INVALID: (
        "Look at the closes that are held by now, and approve that list: navixy-operator approve CYCLE -n {namespace}",
        "If it is not right, leave it: an approval that is a day old no longer counts.",
    ),
    Cause.OPERATOR_INTERRUPTED: (
        "See why the operator's pods end: kubectl get pods, and kubectl describe pod, in the operator's namespace.",
        "What the cycle wrote is there, and drift passes finish it.",
        RUN_NOW,
    ),
    Cause.OPERATOR_FAULT: (
        "Look for the line with InternalError in the operator's log, and report it.",
        STORY,
        RUN_NOW,
    ),
    Cause.POLICY_OBSERVE: (
        LOOK_AGAIN,
        "If that is right, set spec.policy to UpsertOnly or Full: " + SPEC,
    ),
    Cause.POLICY_UPSERT_ONLY: (
        LOOK_AGAIN,
        "If that is right, set spec.policy to Full: " + SPEC,
        "Or close single connections in F1.3.",
    ),
    Cause.CLOSES_HELD: (
        "See whether the list is right, and approve it, if so: navixy-operator approve {held} -n {namespace}",
        f"Or approve it by hand: kubectl annotate synccycle {{held}} -n {{namespace}} {APPROVE_CLOSES}={{digest}}",
        "If the list is wrong, mend the customer database; the next cycle judges anew.",
        RUN_NOW,
    ),
    Cause.PERSONS_WORD: (
        "See which customers are pinned, and why: kubectl get navixycustomers -n {namespace}",
        "Take back what no longer holds: navixy-operator unpin REF -n {namespace}, or in F1.3.",
        EXPLAIN,
    ),
    Cause.HASHES_REFUSED: (
        "Correct the Navixy hashes of these customers in the customer database: F1.1 does not know them.",
        "They are tried again by themselves when their hash has changed; nothing else helps.",
        EXPLAIN,
        RUN_NOW,
    ),
    Cause.ESTABLISHES_FAILING: (
        REPORT,
        "Ask those who run F1.1 what its words mean; the next cycle tries all of them again.",
        "To try sooner, set spec.retry.failed to Backoff: " + SPEC,
        PIN,
        RUN_NOW,
    ),
    Cause.FORWARDING_SLOW: (
        "See whether F1.1 is under load; drift passes go on watching what is pending.",
        "If it is slow by nature, raise spec.forwarding.establishTimeoutSeconds, or lower concurrency: " + SPEC,
        REPORT,
    ),
    Cause.CLOSES_FAILING: (
        REPORT,
        "Ask those who run F1.1 why the connections stay open; drift passes try again, less and less.",
        "Close them in F1.3 if it is urgent: these customers should receive nothing.",
        RUN_NOW,
    ),
    Cause.INCOMPLETE_DATA: (
        "Complete these customers in the customer database: a valid hash, and at least one gateway each.",
        "Or set them up by hand: in F1.3, or by a NavixyCustomer with source Manual and the hash in a Secret.",
        "See all of them: kubectl get navixycustomers -n {namespace} -l dataforwarding.io/eligible=false",
        EXPLAIN,
    ),
    Cause.DUPLICATE_HASHES: (
        "See in the customer database which of the customers with one hash it belongs to, and correct the others.",
        EXPLAIN,
    ),
    Cause.CONTRADICTORY_DATA: (
        "Correct these rows of the customer database: one Navixy row for each reference, with a state that exists.",
        EXPLAIN,
    ),
    Cause.CUSTOMERS_CHANGED: (
        "See whether so many customers were meant to change in the customer database; if so, nothing is to be done.",
        STORY,
    ),
    Cause.CHANGED_ELSEWHERE: (
        "Find out who else opens or closes connections in F1.1 for these customers, or why F1.1 loses them.",
        "See what drift passes had to mend: navixy-operator audit --event DriftRepaired --since 7d -n {namespace}",
        "Keep a customer as a person wants it: navixy-operator pin REF hold -n {namespace}",
    ),
    Cause.BACKLOG: (
        "See why the cycles before failed; what they left was done by this one, and nothing else is to be done.",
        STORY,
    ),
    Cause.UNKNOWN: (
        REPORT,
        STORY,
        LOOK_AGAIN,
        RUN_NOW,
    ),
}


def suggestions(case: Case, cause: Cause) -> tuple[str, ...]:
    """What to do, the first thing first."""
    return tuple(_filled(ADVICE[cause], _words(case)))


def _words(case: Case) -> dict[str, str]:
    words = {"namespace": case.namespace, "sync": case.sync}
    about = case.failure or case.last
    if about is not None:
        words["cycle"] = about.name
    held = held_list(case)
    if held is not None and case.last is not None:
        words |= {"held": case.last.name, "digest": str(held["digest"])}
    return words


def _filled(templates: tuple[str, ...], words: Mapping[str, str]) -> Iterator[str]:
    for template in templates:
        try:
            yield template.format_map(words)
        except KeyError:  # it names something that there is not
            continue

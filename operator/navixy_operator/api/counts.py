"""The numbers of a cycle, in its own status and in that of its NavixySync."""

from pydantic import Field

from navixy_operator.api.common import Count, Model


class Counts(Model):
    """What a cycle counted."""

    rows: Count = Field(default=0, description="Rows that the customer database gave, of every provider.")
    customers: Count = Field(
        default=0, description="Customers with Navixy as a provider, rows without a reference included."
    )
    eligible: Count = Field(default=0, description="Customers that meet every requirement.")
    skipped: Count = Field(default=0, description="Customers that miss a requirement, or whose record is bad.")
    expected: Count = Field(default=0, description="Connections that should be connected.")
    actual_before: Count = Field(default=0, description="Connections that were connected before the actions.")
    actual: Count = Field(default=0, description="Connections that were connected after the actions.")
    discrepancies: Count = Field(default=0, description="Discrepancies found, of every type.")
    unresolved: Count = Field(default=0, description="Discrepancies that were left after the actions.")
    failed: Count = Field(default=0, description="Actions that failed, of every kind.")
    missing: Count = Field(default=0, description="Eligible customers without a connection.")
    extra: Count = Field(default=0, description="Open connections without a customer.")
    suspended_connected: Count = Field(default=0, description="Suspended or removed customers with an open connection.")
    suspended_remaining: Count = Field(
        default=0, description="Suspended or removed customers whose connection was open after the actions, too."
    )
    established: Count = Field(default=0, description="Connections established.")
    establish_failed: Count = Field(default=0, description="Connections that could not be established.")
    closed: Count = Field(default=0, description="Connections closed.")
    close_failed: Count = Field(default=0, description="Connections that could not be closed.")
    pending: Count = Field(default=0, description="Actions whose end was not seen within the cycle.")
    held: Count = Field(default=0, description="Actions that a guard, the policy or a dry run held back.")
    pinned: Count = Field(default=0, description="Customers whom a person has pinned.")
    manual: Count = Field(default=0, description="Customers whose connection F1.3 has set, and which is left as it is.")
    declared: Count = Field(default=0, description="Customers whom a person or Git declares (source: Manual).")
    persistent: Count = Field(
        default=0, description="Customers for whom several cycles in a row could not bring about what is desired."
    )
    created: Count = Field(default=0, description="NavixyCustomers created.")
    updated: Count = Field(default=0, description="NavixyCustomers changed.")
    deleted: Count = Field(default=0, description="NavixyCustomers deleted.")

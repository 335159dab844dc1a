"""The numbers of a cycle, in its own status and in that of its NavixySync."""

from pydantic import Field

from navixy_operator.api.common import Count, Model


class Counts(Model):
    """What a cycle counted."""

    customers: Count = Field(0, description="Customers in the customer database, of every provider.")
    other_providers: Count = Field(0, description="Rows of other providers, which were dropped.")
    navixy_customers: Count = Field(0, description="Customers with Navixy as a provider.")
    eligible: Count = Field(0, description="Customers that meet every requirement.")
    skipped: Count = Field(0, description="Active customers that do not meet the requirements.")
    expected: Count = Field(0, description="Connections that should be open.")
    actual_before: Count = Field(0, description="Connections that were open before the actions.")
    actual: Count = Field(0, description="Connections that were open after the actions.")
    discrepancies: Count = Field(0, description="Discrepancies found, of every type.")
    missing: Count = Field(0, description="Eligible customers without a connection.")
    extra: Count = Field(0, description="Open connections without a customer.")
    established: Count = Field(0, description="Connections established.")
    establish_failed: Count = Field(0, description="Connections that could not be established.")
    closed: Count = Field(0, description="Connections closed.")
    close_failed: Count = Field(0, description="Connections that could not be closed.")
    pending: Count = Field(0, description="Actions whose end was not seen within the cycle.")
    held: Count = Field(0, description="Closes that a guard or the policy held back.")
    created: Count = Field(0, description="NavixyCustomers created.")
    updated: Count = Field(0, description="NavixyCustomers changed.")
    unchanged: Count = Field(0, description="NavixyCustomers left as they were.")
    deleted: Count = Field(0, description="NavixyCustomers deleted.")

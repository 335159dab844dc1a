"""The columns that a query must give, the default query, and the schema that it fits. PostgreSQL, MariaDB, SQLite."""

from typing import Final

REQUIRED_COLUMNS: Final = ("customer_ref", "provider", "state", "navixy_hash", "gateway_count")
OPTIONAL_COLUMNS: Final = ("name",)

# The gateways are counted once for all customers. The order makes row numbers mean the same row in every cycle.
DEFAULT_QUERY: Final = """\
SELECT c.customer_ref AS customer_ref,
       p.provider AS provider,
       c.state AS state,
       p.navixy_hash AS navixy_hash,
       COALESCE(g.gateway_count, 0) AS gateway_count,
       c.name AS name
FROM customers c
JOIN customer_providers p ON p.customer_id = c.id
LEFT JOIN (
    SELECT customer_id, COUNT(*) AS gateway_count
    FROM gateways
    GROUP BY customer_id
) g ON g.customer_id = c.id
ORDER BY c.id, p.provider
"""

# Loose on purpose (nothing unique but the keys, no checks): it can hold every kind of bad data that the rules judge.
SAMPLE_SCHEMA: Final = """\
CREATE TABLE customers (
    id INTEGER NOT NULL PRIMARY KEY,
    customer_ref VARCHAR(400),
    name VARCHAR(255),
    state VARCHAR(32)
);

CREATE TABLE customer_providers (
    customer_id INTEGER NOT NULL,
    provider VARCHAR(64) NOT NULL,
    navixy_hash VARCHAR(255),
    PRIMARY KEY (customer_id, provider),
    FOREIGN KEY (customer_id) REFERENCES customers (id) ON DELETE CASCADE
);

CREATE TABLE gateways (
    id INTEGER NOT NULL PRIMARY KEY,
    customer_id INTEGER NOT NULL,
    serial_number VARCHAR(64),
    FOREIGN KEY (customer_id) REFERENCES customers (id) ON DELETE CASCADE
);

CREATE INDEX gateways_customer_id ON gateways (customer_id);
"""

"""The engine: keys, receipts, publication, exchanges, facts, services, and the runner. It knows no stage."""

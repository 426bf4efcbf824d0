"""Inspection: what the detectors see in files of this machine, without a release."""

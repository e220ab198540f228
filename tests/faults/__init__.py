"""Faults on purpose: killed processes, full disks, lost servers, and long random histories."""

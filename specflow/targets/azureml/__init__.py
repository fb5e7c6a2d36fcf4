"""Azure Machine Learning (v2): its emulator on loopback.

What this package knows of the platform was read in azure-ai-ml 1.35.2, in Microsoft's documentation and in issue
threads, and tried with that SDK against the emulator; nothing here was tried against the live service.
"""

"""The conformance suite's runner: cases are data, and every target passes each of them or refuses it as it declares."""

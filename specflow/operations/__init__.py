"""What the commands around runs do: `deploy`, `plan`, `doctor` and `probe`."""

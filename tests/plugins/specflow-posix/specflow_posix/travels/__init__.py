"""What travels beside the script; these files are read and copied, never imported here."""

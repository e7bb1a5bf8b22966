"""What an agent keeps on disk; the only folder that writes there."""

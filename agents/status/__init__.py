"""What `holdfast status` tells of a home, for people and for programs. It reads, and changes nothing."""

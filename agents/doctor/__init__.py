"""What `holdfast doctor` looks at before anything is paid."""

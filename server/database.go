package server

import "path/filepath"

// Database is the file of the database in a data folder.
func Database(dataDir string) string { return filepath.Join(dataDir, "qrauthd.db") }

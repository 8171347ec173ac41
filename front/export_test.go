package front

// ClientRoutes are the pages that the server takes for the client's.
func ClientRoutes() []string { return clientRoutes() }

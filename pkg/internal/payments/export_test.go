package payments

// CrashAt has every Tx of the service fail with what f answers at the points that it names.
func (s *Service) CrashAt(f func(point string) error) { s.crash = f }

package refunds

import "time"

// CrashAt has the service end with what f answers at the points that it names, as if its process had ended there.
func (s *Service) CrashAt(f func(point string) error) { s.crash = f }

// Hurry has the service wait as long as f says instead of what it would.
func (s *Service) Hurry(f func(time.Duration) time.Duration) { s.pace = f }

-- Of two requests with one challenge at once, the second waits here for the first and then writes nothing.
-- name: UseChallenge :execrows
INSERT INTO used_challenges (hash, expires_us) VALUES (@hash, @expires_us)
ON CONFLICT (hash) DO NOTHING;

-- name: PruneChallenges :execrows
DELETE FROM used_challenges WHERE hash IN (
    SELECT c.hash FROM used_challenges c WHERE c.expires_us <= @now_us ORDER BY c.expires_us LIMIT @most
);

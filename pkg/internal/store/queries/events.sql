-- name: InsertEvent :exec
INSERT INTO events (subject_kind, subject_id, seq, kind, from_status, to_status, actor, reason, detail, at_us)
VALUES (@subject_kind, @subject_id, @seq, @kind, @from_status, @to_status, @actor, @reason, @detail, @at_us);

-- name: EventsOfSubject :many
SELECT * FROM events WHERE subject_kind = @subject_kind AND subject_id = @subject_id ORDER BY seq;

-- name: InsertCallback :exec
INSERT INTO callbacks (id, subject_kind, subject_id, seq, subscriber, body, state, next_us, created_us, updated_us)
VALUES (@id, @subject_kind, @subject_id, @seq, @subscriber, @body, 'pending', @now_us, @now_us, @now_us);

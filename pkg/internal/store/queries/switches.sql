-- name: Switches :many
SELECT * FROM switches ORDER BY kind DESC, name;

-- name: SwitchOf :one
SELECT * FROM switches WHERE kind = @kind AND name = @name;

-- name: InsertSwitch :execrows
INSERT INTO switches (kind, name, version, paused, actor, reason, updated_us)
VALUES (@kind, @name, 1, @paused, @actor, @reason, @now_us)
ON CONFLICT (kind, name) DO NOTHING;

-- name: UpdateSwitch :execrows
UPDATE switches SET version = @version + 1, paused = @paused, actor = @actor, reason = @reason, updated_us = @now_us
WHERE kind = @kind AND name = @name AND version = @version;

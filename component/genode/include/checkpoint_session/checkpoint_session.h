/*
 * \brief  Checkpoint session interface
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

#ifndef _INCLUDE__CHECKPOINT_SESSION__CHECKPOINT_SESSION_H_
#define _INCLUDE__CHECKPOINT_SESSION__CHECKPOINT_SESSION_H_

#include <base/rpc.h>
#include <session/session.h>

namespace Thaw { struct Checkpoint_session; }


/**
 * To let targets of 'thaw' be checkpointed and restored
 *
 * Each function returns when it is done. Whoever has a session may do this to every target of that 'thaw'.
 */
struct Thaw::Checkpoint_session : Genode::Session
{
	static const char *service_name() { return "Checkpoint"; }

	static constexpr unsigned       CAP_QUOTA = 4;
	static constexpr Genode::size_t RAM_QUOTA = 8*1024;

	using Target = Genode::Rpc_in_buffer<64>;

	enum class Result : Genode::uint32_t {
		OK,
		NO_TARGET,      /* there is none with that name */
		REFUSED,        /* the status tells why */
	};

	enum class State : Genode::uint32_t {
		NONE,           /* was never started, or is lost */
		RUNNING,
		SAVED,          /* destroyed by its checkpoint, can be restored */
		EXITED,
	};

	struct Status
	{
		Result           result      { };
		State            state       { };
		Genode::uint64_t generation  { };    /* number of the last checkpoint */
		Genode::uint64_t us          { };    /* of the last stop or restore */
		Genode::uint32_t image_bytes { };
		Genode::uint32_t threads     { };
		Genode::uint32_t dataspaces  { };
		Genode::uint32_t ram_bytes   { };
		Genode::uint32_t checkpoints { };    /* that succeeded */
		Genode::uint32_t restores    { };
		Genode::uint32_t refusals    { };
		char             error[128]  { };    /* why the last one was refused */
	};

	/**
	 * Checkpoint the target, and destroy it if 'destroy' is set
	 */
	virtual Status checkpoint(Target const &, bool destroy) = 0;

	/**
	 * Make the target of its newest image; one that runs is destroyed
	 */
	virtual Status restore(Target const &) = 0;

	virtual Status status(Target const &) = 0;

	GENODE_RPC(Rpc_checkpoint, Status, checkpoint, Target const &, bool);
	GENODE_RPC(Rpc_restore,    Status, restore,    Target const &);
	GENODE_RPC(Rpc_status,     Status, status,     Target const &);

	GENODE_RPC_INTERFACE(Rpc_checkpoint, Rpc_restore, Rpc_status);
};

#endif /* _INCLUDE__CHECKPOINT_SESSION__CHECKPOINT_SESSION_H_ */

/*
 * \brief  Connection to the Checkpoint service
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

#ifndef _INCLUDE__CHECKPOINT_SESSION__CONNECTION_H_
#define _INCLUDE__CHECKPOINT_SESSION__CONNECTION_H_

#include <base/connection.h>
#include <base/rpc_client.h>
#include <checkpoint_session/checkpoint_session.h>

namespace Thaw { struct Checkpoint_connection; }


struct Thaw::Checkpoint_connection : Genode::Connection<Checkpoint_session>,
                                     Genode::Rpc_client<Checkpoint_session>
{
	using S = Checkpoint_session;

	Checkpoint_connection(Genode::Env &env)
	:
		Genode::Connection<S>(env, Label(), Genode::Ram_quota { S::RAM_QUOTA }, Args()),
		Genode::Rpc_client<S>(cap())
	{ }

	Status checkpoint(Target const &target, bool destroy) override {
		return Genode::Rpc_client<S>::call<Rpc_checkpoint>(target, destroy); }

	Status restore(Target const &target) override {
		return Genode::Rpc_client<S>::call<Rpc_restore>(target); }

	Status status(Target const &target) override {
		return Genode::Rpc_client<S>::call<Rpc_status>(target); }
};

#endif /* _INCLUDE__CHECKPOINT_SESSION__CONNECTION_H_ */

/*
 * \brief  LOG session of the target: passes lines on
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

#ifndef _LOG_SHIM_H_
#define _LOG_SHIM_H_

#include <base/rpc_server.h>
#include <base/session_label.h>
#include <log_session/connection.h>

namespace Thaw { struct Log_shim; }


struct Thaw::Log_shim : Genode::Rpc_object<Genode::Log_session, Log_shim>
{
	Genode::Log_connection _log;

	Log_shim(Genode::Env &env, Genode::Session_label const &label) : _log(env, label) { }

	void write(String const &string) override { _log.write(string); }
};

#endif /* _LOG_SHIM_H_ */
